/** Minutes and seconds, or hours and minutes and seconds: `0:07`, `12:30`, `1:02:03`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (part: number) => String(part).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** At most so many columns. Control characters, which a foreign system's text may hold, are shown as spaces, so that they cannot move the cursor. */
export function clip(text: string, columns: number): string {
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  return clean.length <= columns ? clean : `${clean.slice(0, Math.max(0, columns - 1))}…`;
}

/** Breaks text at spaces into lines of at most so many columns, each after the indent. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line && indent.length + line.length + 1 + word.length > columns) {
      lines.push(indent + line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, indent + line] : lines;
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Paint = (style: keyof typeof codes, text: string) => string;
export const colored: Paint = (style, text) => `\x1b[${codes[style]}m${text}\x1b[0m`;
export const plain: Paint = (_style, text) => text;
