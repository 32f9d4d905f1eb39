import { SETTINGS, type CatalogueRow, type SettingRow } from './catalogue/row.ts';
import type { Complain } from './document.ts';
import type { ProviderEntry } from './schema.ts';

export type Settings = Readonly<Record<string, string>>;

/** What fills the kind's places: from the file, else by default. One that the kind does not have is a mistake, not a wish. */
export function resolveSettings(row: CatalogueRow, entry: ProviderEntry, path: readonly string[], complain: Complain): Settings {
  const known = new Set<string>(row.settings.map(({ name }) => name));
  for (const name of SETTINGS) {
    if (entry[name] === undefined || known.has(name)) continue;
    // Requests are signed for a region whatever the kind is.
    if (name === 'region' && entry.auth === 'aws') known.add(name);
    else complain([...path, name], `${row.kind} has no ${name}`, remedyOf(row));
  }
  const given = SETTINGS.flatMap((name) => (known.has(name) && entry[name] !== undefined ? [[name, entry[name]] as const] : []));
  const usual = row.settings.flatMap(({ name, byDefault }) => (byDefault === undefined ? [] : [[name, byDefault] as const]));
  const settings: Settings = Object.fromEntries([...usual, ...given]);
  for (const setting of row.settings) checkSetting(setting, settings[setting.name], isNeeded(setting, row, entry), { path, complain });
  return settings;
}

const remedyOf = ({ settings }: CatalogueRow): string =>
  settings.length === 0 ? 'Remove it.' : `Remove it. Known here: ${settings.map(({ name }) => name).join(', ')}.`;

/** An address of one's own has no places; what only the address would use may be left out then. */
const isNeeded = ({ name }: SettingRow, { auth }: CatalogueRow, entry: ProviderEntry): boolean =>
  entry.base_url === undefined || (name === 'region' && auth.scheme === 'aws-sigv4' && entry.auth === undefined);

interface Where {
  readonly path: readonly string[];
  readonly complain: Complain;
}

function checkSetting({ name, what, values }: SettingRow, value: string | undefined, needed: boolean, { path, complain }: Where): void {
  if (value === undefined) {
    if (needed) complain(path, `${path.join('.')}.${name} is missing`, what);
  } else if (values !== undefined && !values.includes(value)) {
    complain([...path, name], `${name} must be one of ${values.join(', ')}`, what);
  }
}

/** `{region}` and the like replaced; a place whose setting is missing stays. */
export const filled = (template: string, settings: Settings): string =>
  template.replace(/\{(\w+)\}/g, (place, name: string) => (Object.hasOwn(settings, name) ? (settings[name] ?? place) : place));
