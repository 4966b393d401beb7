"""Readers: one a family of file formats. `open_volume` opens any of them lazily.

In: a path. Out: a `Volume`, whose voxels are read when it is sliced. Start reading at `opening`, then `contract`, which
is what a reader has to keep.

- `amira`: amira and Avizo lattices (`.am`): a header of text, then voxels raw, zlib, run lengths or text; axes x, y, z
- `axes`: names of axes as files write them (`depth`, `rows`, `theta`) and the letters z, y, x they mean
- `changes`: whether the files of a volume are still as they were when it was opened
- `channels`: co-registered maps: NAME=FILE, each on the very voxels of the volume
- `companions`: files that a file names (data beside a header, links, virtual sources): found, regular, and in its own
  folder
- `contract`: what readers are asked and what they answer: a location, a request, the formats of a family, what was
  found
- `coordinates`: edges of voxels from the coordinates along axes, as NeXus, HDF5 scales, EMD and xarray store them
- `dicom`: DICOM: a folder (or a multi-frame file) of one series, planes in order of their positions; read by pydicom
- `gzip_source`: voxels inside one gzip or zlib stream, read slab by slab without unpacking the whole
- `hashing`: a fingerprint of the input: SHA-256 of the files, of samples of them where they are huge
- `hdf5`: HDF5, NeXus and MATLAB 7.3: `file.h5::/path/to/dataset`, the nabu layout, or the only three-dimensional
  dataset
- `hdf5_facts`: what an HDF5 file says of a dataset: names and coordinates of its axes, its voxel size, or that it is
  projections
- `hdf5_links`: ways through HDF5 files: links are followed by hand, so that each file they lead to is checked before it
  opens
- `hdf5_storage`: where the voxels of an HDF5 dataset are: every source of a virtual dataset, every external file,
  checked to be there
- `held_planes`: planes of a file that decodes whole planes for any box, held while the bricks of a layer are cut out of
  them
- `hierarchy`: arrays inside container files (HDF5, Zarr): which axes are wanted, and a source that indexes the
  library's array
- `joined`: sources made of others: parts one behind the other, stored values on a scale, greys behind a table, three
  bytes
- `labels`: label images made elsewhere: whole numbers, 0 the background, one number a particle
- `metaimage`: MetaImage headers (`.mhd` with its data file, `.mha` with the data behind the header)
- `mrc`: MRC volumes (`.mrc`, `.rec`, `.map`); the header is read by mrcfile, the voxels lie plainly behind it
- `nifti`: NIfTI volumes (`.nii`, `.nii.gz`, or `.hdr` with `.img`); the header is read by nibabel; axes x, y, z
- `npy`: NumPy `.npy` files, in C or Fortran order
- `npz`: NumPy `.npz` archives: the only volume inside, or `file.npz::name`; stored or compressed, never unpacked whole
- `nrrd_file`: NRRD volumes (`.nrrd`, or a `.nhdr` header with its data file), raw or gzip; the header is read by pynrrd
- `opening`: opening a volume: the reader, the axis order, the crop and the voxel size, checked before a voxel is read
- `pictures`: slices as pictures: PNG, BMP, GIF, JPEG by Pillow, JPEG 2000 by imagecodecs, EDF by fabio; values as
  stored
- `projections`: raw projections, told by what lies beside them: angles, image keys, flat and dark fields. They are no
  volume
- `raw`: raw voxels: with the shape and type the user gives, or with an ESRF `.info` or `.xml` beside the file
- `raw_source`: voxels that lie plainly in a file: read with positioned reads, so that threads need no lock and nothing
  is mapped
- `readers`: the readers, one a family, and the choice of the one a file needs. Adding a format: one module, one line
  here
- `reopened`: a library's file handle that is opened when first used, once a process, and never travels in a pickle
- `run_lengths`: voxels packed in run lengths of bytes (Amira's HxByteRLE), unpacked plane by plane
- `silence`: what decoding libraries log or warn about a damaged file stays unsaid: the reader's own sentence says it
  once
- `slice_names`: the order of slices by the numbers in their names, as people mean it: signs, decimals, units; odd files
  are named
- `slices`: a folder or glob of slices, one image file a plane, in natural order (slice2 before slice10)
- `stated`: a voxel size as a file states it: checked for units, placeholders, missing axes and absurd edges
- `text_values`: voxels written as decimal numbers in a text (MetaImage, NRRD, Amira): read whole, for such files are
  small
- `tiff`: TIFF stacks in one file: multi-page, BigTIFF, OME, ImageJ (also above 4 GiB with one page), 1-bit, compressed
- `tiff_decode`: pixels of one TIFF page, decoded by tifffile and imagecodecs
- `tiff_pages`: the pages of a TIFF file as its directories describe them, read without a decoder
- `tiff_size`: the voxel size in the header of a TIFF file: OME-XML, ImageJ's description, or tifffile's JSON
  description
- `vgi`: VGI headers of VGStudio (`.vgi` with its `.vol`): sections of `name = value`, axes x, y, z
- `volume`: a lazy (Z,Y,X) array with voxel size, axis order and origin
- `voxel_size`: the voxel size and where it was read: what the user says, then a file beside the volume, then the
  volume's header
- `xradia`: Zeiss Xradia reconstructions (`.txm`), planes in streams of an OLE file, read by olefile
- `zarr_files`: the files of a Zarr store: a folder or a zip, all of them regular and inside, before the library opens
  any
- `zarr_store`: Zarr version 2 and 3, and OME-Zarr 0.1 to 0.5: `store.zarr`, `store.zarr::path/inside`, `store.zarr.zip`
"""

from .channels import channel_files, check_channels, costly_boxes, open_channels
from .hashing import ContentHash, content_hash
from .held_planes import held_bytes, planes_once
from .labels import open_labels, require_same_shape
from .opening import open_volume
from .readers import format_lines, format_names, formats, missing_libraries
from .voxel_size import require_voxel_size

__all__ = [
    "ContentHash",
    "channel_files",
    "check_channels",
    "content_hash",
    "costly_boxes",
    "format_lines",
    "format_names",
    "formats",
    "held_bytes",
    "missing_libraries",
    "open_channels",
    "open_labels",
    "open_volume",
    "planes_once",
    "require_same_shape",
    "require_voxel_size",
]
