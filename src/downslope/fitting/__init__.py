"""From a table to a trained, judged and told model: what ``downslope fit`` does.

======================  ==================================================================
``fit``                 a table in memory; ``fit_files`` and ``file_rows`` where it is larger
``references``          the answer by another road, to judge a descent by
``scores``              the numbers that people compare models by
``sizes``               numbers too large to compute with are refused
``model``               a trained model as plain data; ``predicting`` puts new rows through it
``telling``             the fit in words; ``fit_report`` in pictures on one page
``rate_range``          what ``downslope sweep`` runs
``walk_picture``        one picture of a short walk
``samples``             two real tables that ship inside scikit-learn
======================  ==================================================================
"""
