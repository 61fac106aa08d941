"""What went wrong with a run, the number that proves it, and what to try next.

Facts are measured once (``run_facts``, ``problem_facts``, ``table_facts``, ``telling_columns``);
symptoms read them and answer findings (``pace_symptoms``, ``place_symptoms``, ``data_symptoms``);
``diagnose`` asks them in order and ranks what holds.
"""
