export { createKmsSealer, type KmsSealerOptions } from "./kms-sealer.ts";
