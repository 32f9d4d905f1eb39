/** Before a role that says that it ends: it does not, as a process of Node that waits at its exit for a thread of V8 that waits for it. */
process.exit = (() => undefined) as unknown as typeof process.exit;
setInterval(() => undefined, 60_000);
