"""Uploads one file with Microsoft's own client, as its documentation shows it, four blocks at a time.

    upload.py FILE ENDPOINT CONTAINER BLOB

The account and its key come from AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY.
"""

import os
import sys

from azure.storage.blob import BlobServiceClient


def main() -> None:
    file, endpoint, container, blob = sys.argv[1:]
    account = {
        "account_name": os.environ["AZURE_STORAGE_ACCOUNT"],
        "account_key": os.environ["AZURE_STORAGE_KEY"],
    }
    client = BlobServiceClient(endpoint, credential=account).get_blob_client(container, blob)
    with open(file, "rb") as content:
        client.upload_blob(content, overwrite=True, max_concurrency=4)


main()
