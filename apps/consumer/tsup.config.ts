import { appOf, inlineOf } from "../../tsup.base.ts";

export default [...appOf(import.meta.dirname), inlineOf({ copy: "src/copy.ts", resources: "src/resources.ts" })];
