# Writes tiny.hdf5 as ann-benchmarks lays its files out, with train in other forms beside it, and latest.hdf5 (Debian: python3-h5py).
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
    f.create_dataset("narrow", data=train, chunks=(7, 2), compression="gzip", shuffle=True)
    f.create_dataset("lzf", data=train, chunks=(8, 2), compression="lzf", shuffle=True, fletcher32=True)
    f.create_dataset("growing", data=train.astype("f8"), chunks=(16, 1), maxshape=(None, 3))
    f.create_dataset("scaled", data=train, chunks=(8, 3), scaleoffset=2)
    f.create_dataset("holes", shape=(40, 3), chunks=(8, 3), dtype="f4")[9] = 1
    f["small"] = (train[:, :2] * 64).astype("i2") - 300
    f["bytes"] = numpy.arange(40 * 3).reshape(40, 3).astype("u1")
    f["big"] = train.astype(">f4")
    f["flat"] = numpy.arange(3)
with h5py.File("latest.hdf5", "w", libver="latest") as f:
    f["train"] = train
    f.create_dataset("packed", data=train, chunks=(7, 3), compression="gzip")
with h5py.File("v108.hdf5", "w", libver=("v108", "v108"), track_order=True) as f:
    f["train"] = train
    f.create_dataset("packed", data=train, chunks=(7, 3), compression="gzip", track_times=True)
    for i in range(12):
        f["packed"].attrs["note%d" % i] = "a header in several blocks " * 3
