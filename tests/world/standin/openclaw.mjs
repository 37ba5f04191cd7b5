#!/usr/bin/env node
// The launcher of the stand-in: the same entry name as the real package has in every release.
import { enableCompileCache } from "node:module";

enableCompileCache?.(); // as the real launcher does
await import("./dist/index.js");
