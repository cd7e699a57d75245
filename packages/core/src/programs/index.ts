export { BASE_VARIABLES, type Environment, pickEnvironment } from "./pick-environment.ts";
export {
  type ChildEnd,
  createProgramStarter,
  type FiledInput,
  type PipedInput,
  type PipedProgram,
  type ProgramInput,
  type ProgramStarter,
  programStarter,
  type RunningProgram,
} from "./program-starter.ts";
export { type ForeignJson, findJsonExcess, type JsonLimits, type JsonPart, readForeignJson } from "./read-json.ts";
export { isCredentialVariable, type ProgramCredentials, serveCredentials } from "./serve-credentials.ts";
