export { findInPath } from "./find-in-path.ts";
export { endMarked } from "./find-marked.ts";
export { findShortage } from "./find-shortage.ts";
export { createMaskedReport, type MaskedReport } from "./masked-report.ts";
export { createLineSink, type LineSink } from "./output-lines.ts";
export { BASE_VARIABLES, type Environment, pickEnvironment } from "./pick-environment.ts";
export {
  type ChildEnd,
  createProgramStarter,
  type FiledInput,
  type PipedInput,
  type PipedProgram,
  type ProgramInput,
  type ProgramStarter,
  type ProgramUser,
  programStarter,
  type RunningProgram,
} from "./program-starter.ts";
export { type ForeignJson, findJsonExcess, type JsonLimits, type JsonPart, readForeignJson } from "./read-json.ts";
export { type ProgramEnd, type RunProgramInput, runProgram } from "./run-program.ts";
export { isCredentialVariable, type ProgramCredentials, serveCredentials } from "./serve-credentials.ts";
export { type TargetAccess, withTargetCredentials } from "./target-credentials.ts";
