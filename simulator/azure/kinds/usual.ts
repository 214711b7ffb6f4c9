/** What every kind of Microsoft.Network has. */
export const usual = { etag: true, polling: 'operation', location: 'Microsoft.Network' } as const;
