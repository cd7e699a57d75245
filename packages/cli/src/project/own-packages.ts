import { registerHooks } from "node:module";

const OWN = /^(stackyard|@stackyard\/[a-z0-9-]+)(\/|$)/;
let registered = false;

/**
 * Lets what a project loads find this package and those that come with it, where the project has not installed them: a
 * fresh project works before `npm install`, and with a command line that was installed for the whole machine. What the
 * project has installed itself comes first.
 */
export function offerOwnPackages(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, next) {
      if (!OWN.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return next(specifier, { ...context, parentURL: import.meta.url });
      }
    },
  });
}

function isNotFound(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}
