import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";

const PATIENT = fileURLToPath(new URL("patient-vitest.ts", import.meta.url));
const IMPORT = /(\bfrom\s*)"vitest"/g;

/** Lets what tests import from "vitest" come from `patient-vitest.ts`, so that limits of single tests grow with how slow the machine is. */
export function createPatientTests(): Plugin {
  return {
    name: "stackyard:patient-tests",
    enforce: "post",
    transform(code, id) {
      if (id.startsWith(PATIENT) || id.includes("/node_modules/")) return undefined;
      const changed = code.replaceAll(IMPORT, `$1${JSON.stringify(PATIENT)}`);
      return changed === code ? undefined : { code: changed, map: null };
    },
  };
}
