# Writes tiny.hdf5 as ann-benchmarks lays its files out (Debian: python3-h5py).
import h5py, numpy
train = (numpy.arange(40 * 3) % 17).reshape(40, 3).astype("f4") + numpy.arange(40)[:, None] / 64
test = train[::8] + 0.25
d = ((test[:, None, :] - train[None, :, :]) ** 2).sum(2)
near = d.argsort(1, kind="stable")[:, :4]
with h5py.File("tiny.hdf5", "w") as f:
    f.attrs["distance"] = "angular"
    f.attrs["dimension"] = 3
    f["train"] = train
    f["test"] = test
    f["neighbors"] = near.astype("i4")
    f["distances"] = numpy.take_along_axis(d, near, 1).astype("f4")
    f.create_dataset("packed", data=train, chunks=(7, 3), compression="gzip")
    f["flat"] = numpy.arange(3)
