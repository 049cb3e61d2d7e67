"""Copies of closed segments in an object store that speaks S3.

- `manifest`  what of a console is in the store; pure
- `plan`      which segments are to be copied, and which to be deleted there; pure
- `keys`      what things are called in a store; pure
- `store`     the store itself: the only home of obstore
- `copying`   copies one segment, each file verified
- `ledger`    the manifests that this recorder has written
- `service`   does all of that beside the recording

The layout of a store is that of an archive folder, so that a plain copy of it is one::

    PREFIX/NAME/20261122T120005.123456Z.boot-000042.raw.zst      as in the archive
    PREFIX/NAME/20261122T120005.123456Z.boot-000042.words        which words the log has
    PREFIX/NAME/20261122T120005.123456Z.boot-000042.rows.zst     its boot and its events
    PREFIX/.manifests/NAME/MEMBER.json                           what MEMBER has copied

Each object has one writer only: segments are closed, and a manifest belongs to one
member of a cluster. So nothing is lost when a console changes hands while its former
recorder still copies what it has; readers take all manifests of a console together.

What is to be copied is the archive minus the manifest: no other queue is kept.
"""
