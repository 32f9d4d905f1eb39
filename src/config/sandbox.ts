/** The built-in provider that answers by itself; it is no upstream, so no file may declare it. */
export const SANDBOX = 'sandbox';
/** What the bare alias `sandbox` stands for. */
export const SANDBOX_MODEL = 'echo';
