import { checkCall } from './functions/functions.ts';
import { TemplateProblem } from './problem.ts';

/** An expression, read but not worked out. */
export type Node =
  | { kind: 'literal'; value: string | number }
  | { kind: 'call'; name: string; args: Node[] }
  /** `.name` and `[index]`. */
  | { kind: 'member'; of: Node; name: Node };

/** Reads the text between the brackets: calls of known functions, strings, numbers, members and indexes. */
export function readExpression(text: string): Node {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found ?? undefined;
  };
  const fail = () => new TemplateProblem(`The template language expression '${text}' cannot be read at character ${at + 1}`);
  const expect = (pattern: RegExp): void => {
    if (!take(pattern)) throw fail();
  };

  function operand(): Node {
    const quoted = take(/\s*'((?:[^']|'')*)'/y);
    if (quoted) return { kind: 'literal', value: quoted[1]!.replaceAll("''", "'") };
    const number = take(/\s*[-+]?\d+/y);
    if (number) return { kind: 'literal', value: Number(number[0]) };
    const name = take(/\s*([A-Za-z_][\w.]*)\s*\(/y)?.[1];
    if (name === undefined) throw fail();
    const args: Node[] = [];
    while (!take(/\s*\)/y)) {
      if (args.length > 0) expect(/\s*,/y);
      args.push(whole());
    }
    checkCall(name, args.length);
    return { kind: 'call', name, args };
  }

  function whole(): Node {
    let node = operand();
    for (;;) {
      const name = take(/\s*\.\s*([A-Za-z_]\w*)/y)?.[1];
      if (name !== undefined) node = { kind: 'member', of: node, name: { kind: 'literal', value: name } };
      else if (take(/\s*\[/y)) {
        node = { kind: 'member', of: node, name: whole() };
        expect(/\s*\]/y);
      } else return node;
    }
  }

  const node = whole();
  expect(/\s*$/y);
  return node;
}
