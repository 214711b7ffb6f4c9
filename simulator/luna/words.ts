import type { World } from '../world.ts';

/** What differs between the versions of LunaSH in words alone (docs/reference/luna.md#wording). */
export interface Words {
  banner: string;
  software: string;
  /** The label of an HSM that has none. */
  noLabel: string;
  model: string;
  /** Before and after the result’s number. */
  result: string;
  changePolicy: string[];
  bound(device: string): string;
  registered: string[];
}

const usual: Words = {
  banner: 'Luna Network HSM Command Line Shell v7.2.0-220. Copyright (c) 2018 SafeNet. All rights reserved.',
  software: '7.2.0-220',
  noLabel: '',
  model: 'HSM Model:                          Luna K7',
  result: 'Command Result : ',
  changePolicy: [
    '        Changing this policy will result in erasing all partitions',
    '        on the HSM.',
    '',
    "        Type 'proceed' to erase all partitions or 'quit' to quit now.",
  ],
  bound: (device) => `NTLS binding set to network device ${device}.\nYou must restart the NTLS service for the new settings to take effect.`,
  registered: [],
};

const old: Words = {
  ...usual,
  banner: 'Luna SA 5.4.7-1 Command Line Shell - Copyright (c) 2001-2014 SafeNet, Inc. All rights reserved.',
  software: '5.4.7-1',
  noLabel: 'no label',
  model: 'Hardware Model:                     Luna K6',
  changePolicy: [
    'CAUTION:  Are you sure you wish to change the destructive policy named:',
    '            Allow non-FIPS algorithms',
    '',
    '          Changing this policy will result in erasing all partitions on the',
    '          HSM! (HSM Admin, Domain, and M of N (where applicable) will not be',
    '          modified.)',
    '',
    "          Type 'proceed' to zeroize your HSM and change the policy, or 'quit'",
    '          to quit now.',
  ],
  bound: (device) => `Success: NTLS binding network device ${device} set.`,
  registered: ['HTL Required: no', 'OTT Expiry:   n/a'],
};

const versions: Record<string, Words> = {
  '7.2': usual,
  '7.8': { ...usual, banner: 'Luna Network HSM Command Line Shell v7.8.5-20. Copyright (c) 2024 Thales Group. All rights reserved.', software: '7.8.5-20' },
  '6.x': {
    ...old,
    banner: 'Luna SA 6.2.2-4 Command Line Shell - Copyright (c) 2001-2016 Gemalto, Inc. All rights reserved.',
    software: '6.2.2-4',
    result: 'Command Result: ',
  },
  '5.x': old,
};

export const wordsOf = ({ variants }: World): Words => versions[variants['luna.words'] ?? '7.2']!;
