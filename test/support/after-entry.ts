import type { Records } from '../../stores/record/record.ts';

/** Records in which something happens right after an event was entered. */
export const afterEntry = (records: Records, event: string, happens: () => void): Records => ({
  of: (target, subject, writer) => {
    const record = records.of(target, subject, writer);
    return {
      read: () => record.read(),
      append: async (entered, data) => {
        const entry = await record.append(entered, data);
        if (entered === event) happens();
        return entry;
      },
    };
  },
});
