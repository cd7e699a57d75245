// What seals and opens values. Functions read it when they open their store, so that they start sooner.
export { checkSealKey, createSealer, parseSealKeys, sealStore } from "@stackyard/core/services";
