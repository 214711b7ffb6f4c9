/** Where a store keeps what it has: in a folder, or in a container of Azure Blob Storage at this address. */
export type Place = { kind: 'folder'; folder: string } | { kind: 'blob'; url: string };
