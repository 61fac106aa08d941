"""Any PyTorch module on the same walk, and a watcher for loops of your own.

==================  ============================================================
``data``            arrays, tensors, data sets and loaders, handed out in batches
``problem``         a module as the walk sees it: one flat vector, autograd
``training``        ``train``: rules and rates of ours or of ``torch.optim``
``estimators``      modules as scikit-learn estimators
``watch``           the trace and the diagnosis of a loop that is yours
``callbacks``       the watcher for Lightning and Hugging Face's Trainer
==================  ============================================================
"""
