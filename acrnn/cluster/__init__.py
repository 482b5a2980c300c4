"""A scan or a sweep on many machines, by Ray, which is optional: the same rows and runs as on one.

In reading order: `session` (which cluster), `store` (local disks and object stores, read and written alike), `tasks`
(a piece of work that is given to the cluster again when its machine dies), `parts` (recordings, cut into parts with
names of their own), `scan` and `sweep`.

Ray tasks are used, and not Ray Data: that names its files after blocks and attempts, which differ from start to start.
Here the driver cuts the parts, and the name of a part's file follows from what goes into it. So it does not matter how
often a part is computed: it is written under one name, as a whole, with the same bytes.
"""
