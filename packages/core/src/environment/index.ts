export { checkEnvironment, type EnvironmentVariable, type EnvironmentVariables } from "./check-environment.ts";
export { findEmulator } from "./find-emulator.ts";
