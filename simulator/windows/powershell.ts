/** A small PowerShell: straight-line scripts with parameters, variables, `if`, `try`, `throw` and the cmdlets that it is given. What it does not know it refuses, as PowerShell does. */

export type Value = string | boolean | number | null | Value[] | { [name: string]: Value };
type Named = Record<string, Value>;

export interface Call {
  named: Named;
  positional: Value[];
  /** What comes down the pipeline. */
  input?: Value;
}

export type Cmdlets = Record<string, (call: Call) => Promise<Value> | Value>;

export class ScriptError extends Error {
  /** What `catch` finds in `$_.Exception` beside the message. */
  readonly details: Record<string, Value>;

  constructor(message: string, details: Record<string, Value> = {}) {
    super(message);
    this.details = details;
  }
}

type Token = { kind: 'text' | 'variable' | 'word' | 'symbol'; text: string; quoted?: 'single' | 'double' };

const tokenPattern = /'((?:[^']|'')*)'|"((?:[^"`]|`.|"")*)"|\$\{?([A-Za-z_][\w:]*)\}?|([(){},;=|])|([^\s(){},;=|'"]+)|(\n)/g;

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const [, single, double, variable, symbol, word] of text.matchAll(tokenPattern)) {
    if (single !== undefined) found.push({ kind: 'text', text: single.replaceAll("''", "'"), quoted: 'single' });
    else if (double !== undefined) found.push({ kind: 'text', text: double, quoted: 'double' });
    else if (variable !== undefined) found.push({ kind: 'variable', text: variable });
    else if (symbol !== undefined) found.push({ kind: 'symbol', text: symbol });
    else if (word !== undefined) found.push(...members(word));
  }
  return found;
}

/** `.Hash` behind a parenthesis or variable comes as one word. */
function members(word: string): Token[] {
  return /^(\.[A-Za-z]\w*)+$/.test(word)
    ? word
        .slice(1)
        .split('.')
        .flatMap((name): Token[] => [
          { kind: 'symbol', text: '.' },
          { kind: 'word', text: name },
        ])
    : [{ kind: 'word', text: word }];
}

export const asText = (value: Value): string =>
  Array.isArray(value) ? value.map(asText).join(' ') : value === true ? 'True' : value === false ? 'False' : value === null ? '' : String(value);
const truthy = (value: Value): boolean => value !== false && value !== null && value !== '' && value !== 0;

export class PowerShell {
  readonly #cmdlets: Map<string, Cmdlets[string]>;
  readonly #variables = new Map<string, Value>();
  readonly output: string[] = [];

  constructor(cmdlets: Cmdlets, environment: Record<string, string>) {
    this.#cmdlets = new Map(Object.entries(cmdlets).map(([name, run]) => [name.toLowerCase(), run]));
    for (const [name, value] of Object.entries(environment)) this.#variables.set(`env:${name.toLowerCase()}`, value);
    this.#variables.set('true', true).set('false', false).set('null', null);
  }

  /** Runs a script; a ScriptError is what it threw. */
  async run(script: string, parameters: Record<string, string>): Promise<void> {
    for (const [name, value] of Object.entries(parameters)) this.#variables.set(name.toLowerCase(), value);
    await this.#block(script.replace(/^\s*param\s*\((?:[^()]|\([^()]*\))*\)/i, ''));
  }

  async #block(text: string): Promise<void> {
    for (let rest = text.trimStart(); rest !== ''; rest = rest.trimStart()) {
      if (rest.startsWith('#')) rest = rest.slice(rest.indexOf('\n') < 0 ? rest.length : rest.indexOf('\n'));
      else if (/^if\s*\(/i.test(rest)) rest = await this.#if(rest);
      else if (/^try\s*\{/i.test(rest)) rest = await this.#try(rest);
      else {
        const end = rest.search(/[\n;]/);
        await this.#statement((end < 0 ? rest : rest.slice(0, end)).trim());
        rest = end < 0 ? '' : rest.slice(end + 1);
      }
    }
  }

  async #if(text: string): Promise<string> {
    const condition = balanced(text, text.indexOf('('), '(', ')');
    const body = balanced(text, text.indexOf('{', condition.end), '{', '}');
    if (truthy(await this.#expression(tokens(condition.inner)))) await this.#block(body.inner);
    return text.slice(body.end);
  }

  async #try(text: string): Promise<string> {
    const body = balanced(text, text.indexOf('{'), '{', '}');
    const after = text.slice(body.end);
    if (!/^\s*catch\s*\{/i.test(after)) throw new ScriptError('The Try statement is missing its Catch block.');
    const handler = balanced(after, after.indexOf('{'), '{', '}');
    try {
      await this.#block(body.inner);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      this.#variables.set('_', { Exception: { Message: error.message, ...error.details } });
      await this.#block(handler.inner);
    }
    return after.slice(handler.end);
  }

  async #statement(line: string): Promise<void> {
    if (line === '') return;
    const thrown = /^throw\s+(.*)$/is.exec(line);
    if (thrown) throw new ScriptError(asText(await this.#expression(tokens(thrown[1]!))));
    const assignment = /^\$(\w+)\s*=\s*(.*)$/s.exec(line);
    if (assignment) this.#variables.set(assignment[1]!.toLowerCase(), await this.#expression(tokens(assignment[2]!)));
    else {
      const value = await this.#expression(tokens(line));
      if (value !== null) this.output.push(asText(value));
    }
  }

  /** A pipeline: each stage after the first is a command that gets what the one before gave. */
  async #expression(list: Token[]): Promise<Value> {
    const [first = [], ...stages] = stagesOf(list);
    let value = await this.#single(first);
    for (const stage of stages) value = await this.#call({ list: stage, at: 0 }, value);
    return value;
  }

  async #single(list: Token[]): Promise<Value> {
    const cursor = { list, at: 0 };
    const value = await this.#operation(cursor);
    if (cursor.at < list.length) throw new ScriptError(`Unexpected token '${list[cursor.at]!.text}' in expression or statement.`);
    return value;
  }

  async #operation(cursor: { list: Token[]; at: number }): Promise<Value> {
    if (cursor.list[cursor.at]?.text.toLowerCase() === '-not') {
      cursor.at += 1;
      return !truthy(await this.#operand(cursor));
    }
    let left = await this.#operand(cursor);
    for (let operator = cursor.list[cursor.at]; operator?.kind === 'word' && operator.text.startsWith('-'); operator = cursor.list[cursor.at]) {
      cursor.at += 1;
      left = await this.#apply(operator.text.toLowerCase(), left, cursor);
    }
    return left;
  }

  async #apply(operator: string, left: Value, cursor: { list: Token[]; at: number }): Promise<Value> {
    const right = asText(await this.#operand(cursor));
    const same = asText(left).toLowerCase() === right.toLowerCase();
    if (operator === '-eq') return same;
    if (operator === '-ne') return !same;
    if (operator === '-match') return pattern(right, 'i').test(asText(left));
    if (operator === '-notmatch') return !pattern(right, 'i').test(asText(left));
    if (operator !== '-replace') throw new ScriptError(`The operator ${operator} is not supported.`);
    cursor.at += 1;
    return asText(left).replace(pattern(right, 'gi'), asText(await this.#operand(cursor)));
  }

  async #operand(cursor: { list: Token[]; at: number }): Promise<Value> {
    const token = cursor.list[cursor.at];
    if (!token) throw new ScriptError('An expression was expected.');
    let value: Value;
    if (token.kind === 'word' && /^\d+$/.test(token.text)) {
      cursor.at += 1;
      value = Number(token.text);
    } else if (token.kind === 'word') value = await this.#call(cursor);
    else value = await this.#primary(cursor);
    while (cursor.list[cursor.at]?.text === '.' && cursor.list[cursor.at]?.kind === 'symbol') {
      const name = cursor.list[cursor.at + 1]!.text;
      value = (value as Named | null)?.[name] ?? null;
      cursor.at += 2;
    }
    return value;
  }

  async #primary(cursor: { list: Token[]; at: number }): Promise<Value> {
    const token = cursor.list[cursor.at++]!;
    if (token.kind === 'variable') return this.#variables.get(token.text.toLowerCase()) ?? null;
    if (token.kind === 'text') return token.quoted === 'single' ? token.text : this.#interpolate(token.text);
    if (token.text !== '(') throw new ScriptError(`Unexpected token '${token.text}'.`);
    const start = cursor.at;
    for (let depth = 1; depth > 0; cursor.at++) {
      if (cursor.at >= cursor.list.length) throw new ScriptError("Missing closing ')' in expression.");
      const { kind, text } = cursor.list[cursor.at]!;
      if (kind === 'symbol') depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    }
    return this.#expression(cursor.list.slice(start, cursor.at - 1));
  }

  /** A cmdlet or program with its arguments, up to the end or to an operator’s place. */
  async #call(cursor: { list: Token[]; at: number }, input?: Value): Promise<Value> {
    const name = cursor.list[cursor.at++]!.text;
    const run = this.#cmdlets.get(name.toLowerCase());
    if (!run) throw new ScriptError(`The term '${name}' is not recognized as the name of a cmdlet, function, script file, or operable program.`);
    const call: Call = { named: {}, positional: [], ...(input === undefined ? {} : { input }) };
    const one = async (): Promise<Value> => {
      const token = cursor.list[cursor.at]!;
      if (token.kind !== 'word') return this.#primaryWithMembers(cursor);
      cursor.at += 1;
      return token.text;
    };
    /** With commas between them several are one list. */
    const argument = async (): Promise<Value> => {
      const values = [await one()];
      while (cursor.list[cursor.at]?.kind === 'symbol' && cursor.list[cursor.at]?.text === ',') {
        cursor.at += 1;
        values.push(await one());
      }
      return values.length === 1 ? values[0]! : values;
    };
    while (cursor.at < cursor.list.length) {
      const token = cursor.list[cursor.at]!;
      const parameter = token.kind === 'word' ? /^-([A-Za-z]\w*)$/.exec(token.text)?.[1] : undefined;
      if (!parameter) call.positional.push(await argument());
      else {
        cursor.at += 1;
        const next = cursor.list[cursor.at];
        const isSwitch = !next || (next.kind === 'word' && /^-[A-Za-z]/.test(next.text));
        call.named[parameter.toLowerCase()] = isSwitch ? true : await argument();
      }
    }
    return run(call);
  }

  async #primaryWithMembers(cursor: { list: Token[]; at: number }): Promise<Value> {
    return this.#operand(cursor);
  }

  async #interpolate(text: string): Promise<string> {
    let result = '';
    for (let at = 0; at < text.length; ) {
      const rest = text.slice(at);
      const variable = /^\$\{?([A-Za-z_][\w:]*)\}?/.exec(rest);
      if (rest.startsWith('$(')) {
        const inner = balanced(rest, 1, '(', ')');
        result += asText(await this.#expression(tokens(inner.inner)));
        at += inner.end;
      } else if (variable) {
        result += asText(this.#variables.get(variable[1]!.toLowerCase()) ?? null);
        at += variable[0].length;
      } else if (rest.startsWith('`')) {
        result += rest[1] === 'n' ? '\n' : (rest[1] ?? '');
        at += 2;
      } else {
        result += rest[0];
        at += 1;
      }
    }
    return result;
  }
}

function stagesOf(list: Token[]): Token[][] {
  const stages: Token[][] = [[]];
  let depth = 0;
  for (const token of list) {
    const symbol = token.kind === 'symbol' ? token.text : '';
    depth += symbol === '(' ? 1 : symbol === ')' ? -1 : 0;
    if (symbol === '|' && depth === 0) stages.push([]);
    else stages.at(-1)!.push(token);
  }
  return stages;
}

function pattern(text: string, flags: string): RegExp {
  const inline = /^\(\?([a-z]+)\)/.exec(text);
  return new RegExp(inline ? text.slice(inline[0].length) : text, [...new Set(flags + (inline?.[1] ?? ''))].join(''));
}

function balanced(text: string, start: number, open: string, close: string): { inner: string; end: number } {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text[at] === open) depth += 1;
    if (text[at] === close && --depth === 0) return { inner: text.slice(start + 1, at), end: at + 1 };
  }
  throw new ScriptError(`Missing closing '${close}'.`);
}
