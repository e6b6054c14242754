// AzureBlob
