export { checkEnvironment, type EnvironmentVariable, type EnvironmentVariables } from "./check-environment.ts";
