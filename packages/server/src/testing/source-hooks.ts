const packages = new URL("../../../", import.meta.url);

const MODULE = `
  import { registerHooks } from "node:module";
  registerHooks({
    resolve(specifier, context, next) {
      const [, name, part = ""] = /^@stackyard\\/([a-z-]+)(\\/[a-z]+)?$/.exec(specifier) ?? [];
      if (name === undefined) return next(specifier, context);
      return next(new URL(name + "/src" + part + "/index.ts", ${JSON.stringify(packages.href)}).href, context);
    },
  });`;

/** The URL of a module for `node --import`: a program then finds the sources of packages, which are not built when tests run. */
export const SOURCE_HOOKS = `data:text/javascript,${encodeURIComponent(MODULE)}`;
