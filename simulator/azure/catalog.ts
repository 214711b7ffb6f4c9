/** What Azure offers here: images, in order of their versions, and VM sizes. */
export const images: { publisher: string; offer: string; sku: string; version: string; plan?: boolean }[] = [
  ...['19045.4046.240209', '19045.5011.241004'].map((version) => ({
    publisher: 'MicrosoftWindowsDesktop',
    offer: 'Windows-10',
    sku: 'win10-22h2-pro-g2',
    version,
  })),
  ...['2.6.6506', '2.7.6808', '2.10.7973', '2.19.14195'].map((version) => ({
    publisher: 'thalesdiscplusainc1596561677238',
    offer: 'cm_k170v',
    sku: 'ciphertrust_manager',
    version,
    plan: true,
  })),
  { publisher: 'thalesdiscplusainc1596561677238', offer: 'cm_ce', sku: 'ciphertrust_manager_ce', version: '2.19.14195', plan: true },
];

/** VM sizes with their memory in GB. */
export const sizes: Record<string, number> = {
  Standard_D2s_v3: 8,
  Standard_D4s_v3: 16,
  Standard_D2s_v5: 8,
  Standard_D4s_v5: 16,
  Standard_F4s_v2: 8,
  Standard_F8s_v2: 16,
  Standard_B2ms: 8,
};
