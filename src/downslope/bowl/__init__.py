"""The round bowl: the default that needs no learning rate, and its certificate.

Read ``round`` first; it tells the method. Then, as the data flow:

==========================  =================================================================
``solve``, ``solve_stream`` the doors: rows in memory, rows that never are
``regimes``                 which solver for which problem
``passes`` and ``*_passes`` what one pass over dense, sparse, device rows or several classes
                            answers: loss, gradient, sketch
``null_model``, ``pilot``   where to start; ``sampling`` says which rows to look at first
``run_up``                  a first pass that walks while it reads
``metric``, ``coordinates`` coordinates in which the bowl is round
``walks``                   ways down a bowl that is nearly round
``certificate``             how far above the lowest point the walk can still be
``told``                    no bound is below the rounding of the value it is about
``unattained``              counts whose loss has no lowest point
``round``                   smooth losses, more rows than columns
``newton``                  small data: the exact Hessian at every step
``least_squares``           squared loss with few rows or few columns
``lasso``, ``working_set``  penalties with corners; ``column_walk`` walks sparse columns
``edges``                   a parabola with corners, to its lowest point
``smoothing``, ``rounding`` losses with corners; ``interior`` over few rows
``wide``, ``many_classes``  too many columns, or columns times classes, for a full factor
``round_batches``           mini-batches in round coordinates
``shortest``                of all lowest points, the one with the shortest weights
``rate_free``               the solution told as a run: trace and reason
``pass_log``                passes kept, so that a killed run goes on from the last
``smooth``                  the words in which all of these speak to each other
==========================  =================================================================
"""
