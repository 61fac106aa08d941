"""Multilayer perceptrons on the same walk.

==================  ===========================================================
``activations``     what bends a layer's sums
``starts``          spreads of first weights
``network``         forward and backward passes on blocks of rows
``scales``          columns and targets on one scale, and weights back
``choices``         what the settings leave open: batch size, rate, when to stop
``training``        one fit, from rows to weights
``readers``         gradient norms and update ratios by layer, the mean of late weights
``descent``         what both estimators share
``regressor``       NetworkRegressor
``classifier``      NetworkClassifier
==================  ===========================================================
"""
