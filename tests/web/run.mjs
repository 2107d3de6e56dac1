// All tests of the page, one after the other, in this process: node tests/web/run.mjs
import "./amounts.test.mjs";
import "./outcome.test.mjs";
import "./list.test.mjs";
import "./form.test.mjs";
import "./keys.test.mjs";
import "./pane.test.mjs";
import "./frame.test.mjs";
import "./life.test.mjs";
import "./behind.test.mjs";
import "./site.test.mjs";
import "./access.test.mjs";
