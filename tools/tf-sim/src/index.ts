export {
  type CloudObject,
  type CloudPlace,
  createTerraformCloud,
  FOREIGN,
  type TerraformCloud,
} from "./terraform-cloud.ts";
export type { HttpAnswer, HttpCall } from "./terraform-http.ts";
export { ADDRESSES, createTerraform, type Fate, toState } from "./terraform-program.ts";
export { terraformWeathers } from "./terraform-weathers.ts";
