import type { Plugin } from "vite";

/** Texts that bundles of the console contain instead of modules of Typebox. */
const INSTEAD: readonly (readonly [RegExp, string])[] = [
  // The policy of the console forbids code from texts, so that Typebox would check each value without compiling anyway.
  [
    /\/compile\/index\.mjs$/,
    `import { Check, Errors } from "../value/index.mjs";
      export const Compile = (schema) =>
        ({ Check: (value) => Check(schema, value), Errors: (value) => Errors(schema, value) });`,
  ],
  // No schema of ours is a text (`Type.Script`) or has template literals as keys.
  [
    /\/type\/script\/parser\.mjs$/,
    ["Script", "Pattern", "TemplateLiteralTypes"]
      .map((name) => `export const ${name} = () => { throw new Error("The console cannot read types from texts."); };`)
      .join("\n"),
  ],
  // No schema of ours is put together later: by references, or by calls.
  [
    /\/type\/engine\/instantiate\.mjs$/,
    `const refuse = (type) => {
      if (["Call", "Deferred", "Ref"].includes(type["~kind"])) throw new Error("The console cannot put types together.");
      return type;
    };
    export const State = (callstack, visited) => ({ callstack, visited });
    export const CanInstantiate = (types) => types.every((type) => type["~kind"] !== "Ref");
    export const Instantiate = (context, type) => refuse(type);
    export const InstantiateType = (context, state, type) => refuse(type);
    export const InstantiateTypes = (context, state, types) => types.map(refuse);
    export const InstantiateElements = InstantiateTypes;
    export const InstantiateProperties = (context, state, properties) =>
      Object.fromEntries(Object.entries(properties).map(([key, type]) => [key, refuse(type)]));`,
  ],
  // None compares types, as conditional ones do.
  [
    /\/type\/extends\/extends\.mjs$/,
    `export const Extends = () => { throw new Error("The console cannot compare types."); };`,
  ],
];

/** Bundles of Typebox only what the console uses. */
export function smallTypebox(): Plugin {
  return {
    name: "small-typebox",
    load(id) {
      const [, inside] = id.replaceAll("\\", "/").split("/typebox/build");
      return inside === undefined ? undefined : INSTEAD.find(([path]) => path.test(inside))?.[1];
    },
  };
}
