import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';

/** The project's own source as the structure checks see it: files, their imports, their functions. */

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Path below the root with forward slashes: `src/ipc/peer.ts`. */
  readonly path: string;
  readonly text: string;
  /** Files of the project it imports, types included. */
  readonly imports: readonly string[];
  /** The part of `imports` that is loaded at run time. */
  readonly loads: readonly string[];
  /** Packages and `node:` modules it names, and whether they are loaded at run time. */
  readonly modules: readonly { readonly name: string; readonly loaded: boolean }[];
  readonly functions: readonly { readonly name: string; readonly lines: number; readonly line: number }[];
}

function listFiles(folder: string, ending: RegExp): string[] {
  const found: string[] = [];
  for (const entry of fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const at = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...listFiles(at, ending));
    else if (ending.test(entry.name)) found.push(at);
  }
  return found.sort();
}

/** Product source: no tests, no fixtures. */
export const productFiles = (): SourceFile[] =>
  listFiles('src', /\.ts$/)
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('/testing/') && !file.includes('/testdata/'))
    .map(readSource);

function readSource(file: string): SourceFile {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const { module, program } = parseSync(file, text);
  const targets = [
    ...module.staticImports.map((item) => ({
      name: item.moduleRequest.value,
      loaded: item.entries.length === 0 || item.entries.some((entry) => !entry.isType),
    })),
    ...module.staticExports.flatMap((item) =>
      item.entries.flatMap((entry) => (entry.moduleRequest ? [{ name: entry.moduleRequest.value, loaded: !entry.isType }] : [])),
    ),
    ...module.dynamicImports.flatMap((item) => {
      const match = /^['"](.+)['"]$/.exec(text.slice(item.moduleRequest.start, item.moduleRequest.end));
      return match ? [{ name: match[1] as string, loaded: true }] : [];
    }),
  ];
  const local = targets
    .filter(({ name }) => name.startsWith('.'))
    .map((item) => ({ ...item, name: path.posix.join(path.posix.dirname(file), item.name) }));
  return {
    path: file,
    text,
    imports: [...new Set(local.map(({ name }) => name))],
    loads: [...new Set(local.filter(({ loaded }) => loaded).map(({ name }) => name))],
    modules: targets.filter(({ name }) => !name.startsWith('.')),
    functions: functionsOf(program, text),
  };
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function functionsOf(program: unknown, text: string): SourceFile['functions'] {
  const found: { name: string; lines: number; line: number }[] = [];
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  const visit = (value: unknown, name: string): void => {
    if (Array.isArray(value)) return value.forEach((item) => visit(item, name));
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    const own = nameOf(node) ?? name;
    if (/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) {
      found.push({ name: own, line: lineOf(node.start), lines: codeLines(text.slice(node.start, node.end)) });
    }
    for (const [key, child] of Object.entries(node)) if (key !== 'type') visit(child, own);
  };
  visit(program, '(file)');
  return found;
}

function nameOf(node: Node): string | undefined {
  for (const key of ['id', 'key']) {
    const id = node[key] as { name?: unknown } | null | undefined;
    if (typeof id?.name === 'string') return id.name;
  }
  return undefined;
}

/** Lines that hold code: neither blank nor only a comment. */
export function codeLines(text: string): number {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '));
  return bare.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length;
}

/** Every project file that `entry` loads, itself included. */
export function closure(files: readonly SourceFile[], entry: string): SourceFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Map<string, SourceFile>();
  const queue = [entry];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const file = byPath.get(next);
    if (file === undefined || seen.has(next)) continue;
    seen.set(next, file);
    queue.push(...file.loads);
  }
  return [...seen.values()];
}
