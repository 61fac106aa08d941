"""Where rows come from: memory, files, a cluster, a device."""
