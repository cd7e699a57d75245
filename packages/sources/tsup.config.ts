import { libraryOf } from "../../tsup.base.ts";

export default libraryOf(import.meta.dirname);
