/** Points of the ledger's writer thread, in the order of their places in the shared counts. */
export const NOT_COMMITTED = 'write: rows in the file, not committed';
export const NOT_TOLD = 'write: committed, nobody told';
