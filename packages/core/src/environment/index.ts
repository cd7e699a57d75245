export { type EngineSettings, EngineVariables, toEngineSettings } from "./engine-variables.ts";
export {
  type EnvironmentVariables,
  formatForm,
  formatVariableTable,
  type GivenVariables,
  type ParseEnvironmentOptions,
  parseEnvironment,
  type ReadVariables,
  readEnvironment,
} from "./environment.ts";
export { VARIABLE_FORMS } from "./variable-forms.ts";
