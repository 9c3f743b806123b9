import HTML
import Timestamps

extension Samples {
    /// The pages of policies with made-up data.
    var policyPages: [(name: String, page: HTML)] {
        var list = PoliciesModel()
        list.rows = [group, plan]
        list.kinds = [("HostGroup", 1), ("RingPlan", 1)]
        list.version = 7
        list.appliedAt = before(3600)
        list.appliedBy = text("Ada Byron")
        list.total = 2
        list.mayApply = true
        list.unreadable = [text("HostGroup/old (in force):1:1: error: the key selector is unknown")]
        var one = PolicyModel(row: group)
        one.yaml = text("apiVersion: fettle/v1\nkind: HostGroup\nmetadata:\n  name: web\nspec:\n  selector: tier=web\n")
        one.history = [group]
        one.hosts = [("h-1", text("web1.example.org"), "")]
        one.total = 1
        one.mayApply = true
        one.calendar = context.to("policies", "HostGroup", "web", "windows.ics")
        var rings = PolicyModel(row: plan)
        rings.row.until = 9
        rings.rings = [("test", 1), ("broad", 40)]
        rings.untested = [text("debian-12 / kvm / oslo (4)")]
        rings.hosts = [("h-1", text("web1.example.org"), "test")]
        rings.total = 41
        rings.next = "1"
        rings.history = [plan]
        var form = PolicyFormModel()
        form.text = text("apiVersion: fettle/v1")
        form.plan = [text("+ HostGroup/web")]
        form.warnings = [text("text:1:1: warning: HostGroup/web: nothing refers to it")]
        form.problem = text("The policies have changed since.")
        form.maximum = 20_000
        var wrong = form
        wrong.errors = [text("text:4:3: error: spec.selector: this is no selector")]
        return [
            ("policies", policiesPage(list, context)), ("policies-none", policiesPage(PoliciesModel(), context)),
            ("policy", policyPage(one, context)), ("policy-rings", policyPage(rings, context)),
            ("policies-apply", policyFormPage(form, context)), ("policies-wrong", policyFormPage(wrong, context)),
        ]
    }

    /// When a host may change.
    var hostWindows: HostWindowsModel {
        var model = HostWindowsModel()
        model.openings = [
            HostWindowsModel.Opening(
                local: text("2026-11-29 02:30 to 05:30 Europe/Berlin"), opens: now, shuts: now.adding(seconds: 10_800),
                minutes: 180, lastStart: now.adding(seconds: 6000), windows: text("sunday"),
                note: text("Cut by the freeze christmas (Christmas trade)."))
        ]
        model.frozen = [text("christmas: Christmas trade")]
        model.why = text("No window is for this host.")
        (model.zone, model.site) = (text("Europe/Berlin"), text("berlin"))
        model.groups = [text("web")]
        model.windows = [text("sunday")]
        model.seesPolicies = true
        return model
    }

    private var group: PolicyRow {
        var row = PolicyRow(kind: "HostGroup", name: text("web"), version: 3, appliedAt: before(90_000))
        row.note = text("Everything behind the load balancer.")
        row.digest = String(repeating: "ab", count: 32)
        row.appliedBy = text("Ada Byron")
        return row
    }

    private var plan: PolicyRow {
        var row = PolicyRow(kind: "RingPlan", name: text("standard"), version: 7, appliedAt: before(3600))
        row.digest = String(repeating: "cd", count: 32)
        row.appliedBy = text("Ada Byron")
        return row
    }
}
