import type { Locator, Store } from "@stackyard/core";

declare global {
  /** What the fake `@stackyard/runtime/yard` of a test project opens. */
  var stackyardTestYard: { readonly store: Store; readonly locator: Locator; closed: number } | undefined;
}

const MODULE = `
const open = () => globalThis.stackyardTestYard;
export const openYard = async (yard, context) => {
  if (yard.region === "xx-nowhere-1") throw new Error("no such region");
  return { ...open(), caller: "arn:aws:iam::111122223333:user/ada", close: async () => void (open().closed += 1) };
};
export const checkYard = async (yard, { executors }) => [
  { check: "identity", status: "ok", message: "ada in " + yard.region },
  { check: "queue", status: toStatus(yard), message: executors.map(({ name }) => name).join(), hint: "Look." },
];
export const createYardAws = () => ({});
const toStatus = (yard) => (yard.profile === "broken" ? "fail" : "warn");
`;

/** Files of a project with a fake `@stackyard/runtime` that never calls AWS. */
export const FAKE_YARD_RUNTIME: Readonly<Record<string, string>> = {
  "node_modules/@stackyard/runtime/package.json": JSON.stringify({
    name: "@stackyard/runtime",
    version: "0.1.0",
    type: "module",
    exports: { "./yard": "./yard.js" },
  }),
  "node_modules/@stackyard/runtime/yard.js": MODULE,
};
