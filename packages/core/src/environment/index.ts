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
  type VariableKeywords,
} from "./environment.ts";
export {
  DynamodbVariables,
  findSealFaults,
  PostgresVariables,
  readYardName,
  SharedVariables,
} from "./shared-variables.ts";
export { KEY_PREFIXES, VARIABLE_FORMS } from "./variable-forms.ts";
export { findTlsHint, findWay, listExempt, toDeepestReason, toWayHint, usesProxies, type Way } from "./way.ts";
