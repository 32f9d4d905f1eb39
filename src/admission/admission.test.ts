import { MemoryAdmission } from './memory.ts';
import { admissionConformance } from './testing/conformance.ts';
import { SqliteAdmission } from './testing/sqlite-admission.ts';

admissionConformance('memory', () => ({ admission: new MemoryAdmission(), close: () => undefined }));

admissionConformance('SQLite', () => {
  const admission = new SqliteAdmission();
  return { admission, close: () => admission.close() };
});
