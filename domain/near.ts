/** How many letters must be typed, removed or changed to make one word of another. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[to.length]!;
}

/** No known word is longer, and comparing takes time with the square of it. */
const longestWord = 64;

/** The known word that was probably meant: one or two letters away (one in a short word), in any case. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined;
  const ranked = known.map((candidate) => ({ candidate, away: distance(word.toLowerCase(), candidate.toLowerCase()) })).sort((a, b) => a.away - b.away);
  const [best] = ranked;
  return best !== undefined && best.away <= (word.length <= 4 ? 1 : 2) ? best.candidate : undefined;
}
