import { appOf } from "../../tsup.base.ts";

export default appOf(import.meta.dirname);
