"""hannoy for ann-benchmarks: goes to ann_benchmarks/algorithms/hannoy/module.py.

The index is built by hannoyctl, and queried by one hannoyctl that answers lines on a pipe: what is measured includes the
text of each vector and answer, some tens of microseconds a query. hannoyctl bench measures without that.
"""
import json
import os
import subprocess
import tempfile

import numpy

from ..base.module import BaseANN

METRICS = {"euclidean": "euclidean", "angular": "cosine", "ip": "inner-product"}


class Hannoy(BaseANN):
    def __init__(self, metric, parameters):
        if metric not in METRICS:
            raise NotImplementedError("hannoy does not support the metric " + metric)
        self.metric = METRICS[metric]
        self.parameters = {"M": 16, "efConstruction": 200, "codes": "auto", **parameters}
        self.program = os.environ.get("HANNOYCTL", "hannoyctl")
        self.directory = tempfile.TemporaryDirectory()
        self.server = None
        self.name = "hannoy(%s)" % self.parameters

    def fit(self, X):
        base = os.path.join(self.directory.name, "base.fbin")
        with open(base, "wb") as f:
            numpy.array(X.shape, dtype="<u4").tofile(f)
            numpy.ascontiguousarray(X, dtype="<f4").tofile(f)
        self.database = os.path.join(self.directory.name, "index")
        p = self.parameters
        subprocess.run([self.program, "build", self.database, "--input", base, "--ids", "--metric", self.metric, "--m", str(p["M"]),
                        "--ef-construction", str(p["efConstruction"]), "--codes", p["codes"]], check=True, stdout=subprocess.DEVNULL)
        os.remove(base)
        self.server = subprocess.Popen([self.program, "query", self.database, "--interactive", "--json"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.k = 10

    def set_query_arguments(self, ef):
        self.ef = ef
        self._send("ef %d" % max(ef, self.k))
        self.name = "hannoy(%s, ef %d)" % (self.parameters, ef)

    def query(self, v, n):
        if n != self.k:
            self.k = n
            self._send("ef %d\nk %d" % (max(self.ef, n), n))
        self._send(",".join(map(repr, v.tolist())))
        answer = json.loads(self.server.stdout.readline())
        return [hit["key"] for hit in answer["hits"]]

    def _send(self, text):
        self.server.stdin.write(text + "\n")
        self.server.stdin.flush()

    def done(self):
        if self.server:
            self.server.stdin.close()
            self.server.wait()
        self.directory.cleanup()

    def __str__(self):
        return self.name
