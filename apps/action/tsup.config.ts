import { actionOf } from "../../tsup.base.ts";

export default actionOf();
