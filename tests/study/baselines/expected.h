/* Written by tests/study/make_baselines.py: name, C, log loss or root mean square, error. */
{"three", 1.0, 1.06634678836514, 0.5666666666666667},
{"two", 0.1, 0.6162514532955229, 0.3},
{"dependent", 10.0, 1.820570725761899, 0.4},
{"line", 0, 0.9677694800351138, NAN},
{"short", 0, 1.1818471356686624, NAN},
{"wide", 0, 4.7018426544197585, NAN},
