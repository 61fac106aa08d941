"""From a table to a trained, judged and told model: what ``downslope fit`` does.

======================  ==================================================================
``asked``               what a person asks, and the settings that it means
``fit``                 a table in memory
``fit_files``           files larger than memory: ``file_rows``, then ``file_walk``
``aside``               which of their rows are kept to judge by
``fit_within``          as few of their rows as a bound on the loss needs
``references``          the answer by another road, to judge a descent by
``scores``              the numbers that people compare models by
``sizes``               numbers too large to compute with are refused
``model``               a trained model as plain data; ``predicting`` puts new rows through it
``telling``             the fit in words; ``fit_report`` in pictures on one page
``rate_range``          what ``downslope sweep`` runs
``walk_picture``        one picture of a short walk; ``round_picture`` of a valley made round
``exporting``           the model for other programs: ONNX, or plain JSON
``samples``             two real tables that ship inside scikit-learn
======================  ==================================================================
"""
