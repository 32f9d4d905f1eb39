import type { Layout } from '../core/process.ts';
import type { Boot } from '../ipc/supervision.ts';
import { kindOfVariable } from '../config/catalogue/catalogue.ts';

/** What the terminal shows when the node serves. */

const LAYERS: Readonly<Record<Layout, string>> = {
  uids: 'uids: every process has its own uid, an empty network and its own process table; only the vault reaches out',
  rootless: 'rootless: every process has its own namespaces; only the vault reaches out',
  landlock: 'landlock: files, TCP and signals are walled off between processes; UDP is not',
  permission: 'permission: Node.js’s permission model only; for development',
  none: 'NONE: every process can read and steer every other',
};

export interface WelcomeFacts {
  readonly node: Boot['node'];
  readonly layout: Layout;
  /** The text of the starter key; undefined on later starts. */
  readonly starterKey: string | undefined;
}

export function welcomeText({ node, layout, starterKey }: WelcomeFacts): string {
  const where = [`Bulkhead serves ${node.gatewayUrl}/v1`, `  admin API   ${node.controlUrl}`, `  isolation   ${LAYERS[layout]}`];
  if (starterKey === undefined) return ['', ...where, `  state       bulkhead doctor`, ''].join('\n');
  return [
    '',
    ...where,
    '',
    'Your first virtual key. It is shown this once:',
    '',
    `  ${starterKey}`,
    '',
    ...firstRequest(node, starterKey),
    ...environmentLines(node.environmentKeys),
    'Next (`bulkhead` is `node bin/bulkhead.js` in the program’s folder; `npm link` puts it on your PATH):',
    '  bulkhead credential add openai     a provider key, sealed to the vault; then ask for openai/<model>',
    '  bulkhead key create --name mine    another virtual key',
    '  bulkhead connect claude-code       point a client that you have at it, and try it',
    '  bulkhead usage                     what was used and what it cost',
    '  bulkhead doctor                    what is isolated from what, and what is not',
    '',
  ].join('\n');
}

function firstRequest(node: Boot['node'], key: string): readonly string[] {
  if (node.sandboxOrigin === null) return [];
  return [
    'Try it, no provider key needed:',
    '',
    `  curl ${node.gatewayUrl}/v1/chat/completions \\`,
    `    -H 'Authorization: Bearer ${key}' \\`,
    `    -H 'Content-Type: application/json' \\`,
    `    -d '{"model":"sandbox","messages":[{"role":"user","content":"Hello"}]}'`,
    '',
  ];
}

/** Names variables that usually hold a provider's key. They were not read. */
function environmentLines(names: readonly string[]): readonly string[] {
  const lines = names.flatMap((name) => {
    const kind = kindOfVariable(name);
    return kind === undefined ? [] : [`  bulkhead credential add ${kind} --from-env ${name}`];
  });
  return lines.length === 0 ? [] : ['Provider keys are in your environment. They are not used unless you adopt them:', '', ...lines, ''];
}
