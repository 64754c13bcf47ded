"""The class list: read as an LMS exports it, and joined with what was handed in, whatever the spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from teach.grading import roster
from teach.grading.collect import Collection
from teach.grading.model import GradingError, Problem, Submission
from teach.grading.roster import Person


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "class.csv"
    path.write_bytes(text.encode(encoding))
    return path


def handed_in(*students: str | tuple[str, str]) -> Collection:
    pairs = [one if isinstance(one, tuple) else (one, "") for one in students]
    return Collection(tuple(Submission(name.replace(" ", "-"), name, number) for name, number in pairs), ())


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("name,number,email,group\nHugo Meyer,7,h@x.org,A\nZoë Ng,8,z@x.org,B\n", "utf-8"),
        ("Name;Number;Email;Group\r\nHugo Meyer;7;h@x.org;A\r\nZoë Ng;8;z@x.org;B\r\n", "utf-8-sig"),
        (
            "First name\tLast name\tID number\tEmail address\tGroups\n"
            "Hugo\tMeyer\t7\th@x.org\tA\nZoë\tNg\t8\tz@x.org\tB\n",
            "utf-16",
        ),
        (
            "Student,ID,SIS Login ID,Section\n    Points Possible,,,\nHugo Meyer,7,h@x.org,A\nZoë Ng,8,z@x.org,B\n"
            '"Student, Test",9,,\n',
            "utf-8",
        ),
        (
            "Vorname;Nachname;Matrikelnummer;E-Mail-Adresse;Gruppe\nHugo;Meyer;7;h@x.org;A\nZoë;Ng;8;z@x.org;B\n",
            "cp1252",
        ),
    ],
)  # fmt: skip
def test_lists_of_many_origins(tmp_path, text, encoding):
    assert roster.read_roster(write(tmp_path, text, encoding)) == [
        Person("Hugo Meyer", "7", "h@x.org", "A"),
        Person("Zoë Ng", "8", "z@x.org", "B"),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nobody is on this list"),
        ("name\n", "nobody is on this list"),
        ("who,what\nAnn,1\n", "it has no column for the name"),
        ("first name\nAnn\n", "it has no column for the name"),
        ("name,number\nAnn,1\n,2\n", r"class\.csv:3: this student has no name"),
        ("name\nAnn\nBob\nAnn\n", r"class\.csv:4: Ann is listed twice"),
        ("name,number\nAnn\n", "the row has 1 cells"),
    ],
)
def test_what_is_no_list_is_named_with_its_line(tmp_path, text, told):
    with pytest.raises(GradingError, match=told):
        roster.read_roster(write(tmp_path, text))


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(GradingError, match=r"none\.csv.*cannot be read"):
        roster.read_roster(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "student", ["Hugo Meyer", "Meyer, Hugo", "hugo_meyer", "HUGO MEYER", "7", ("whoever", "7"), "h"]
)
def test_a_submission_is_a_person_s_by_number_or_name(student):
    joined, people = roster.join(handed_in(student), [Person("Hugo Meyer", "7", "h@x.org"), Person("Zoe Ng", "8")])
    assert [one.name for one in people.values()] == ["Hugo Meyer", "Zoe Ng"]
    assert len(joined.submissions) == 2
    assert joined.problems == ()


def test_accents_do_not_matter():
    _, people = roster.join(handed_in("Zoe Ng"), [Person("Zoë Ng")])
    assert len(people) == 1


def test_who_handed_in_nothing_is_there_with_no_file():
    joined, people = roster.join(handed_in("Ann"), [Person("Ann"), Person("Bob", "b7", group="B")])
    bob = next(one for one in joined.submissions if one.student == "Bob")
    assert bob.files == ()
    assert bob.number == "b7"
    assert people[bob.key].group == "B"


def test_who_is_not_listed_is_kept_and_told_of():
    joined, people = roster.join(handed_in("Ann", "Eve"), [Person("Ann")])
    assert [one.student for one in joined.submissions] == ["Ann", "Eve"]
    assert [(one.student, one.what) for one in joined.problems] == [("Eve", "this student is not on the class list")]
    assert joined.by_key["Eve"] == joined.problems
    assert "Eve" not in people


def test_two_of_one_name_are_told_apart_by_number_only():
    people = [Person("Ann", "1"), Person("Ann", "2")]
    joined, by_key = roster.join(handed_in(("Ann", "2")), people)
    assert {key: one.number for key, one in by_key.items()} == {"Ann": "2", "ann_1": "1"}
    joined, by_key = roster.join(handed_in("Ann"), people)
    assert len(joined.submissions) == 3  # nobody can say whose it is
    assert "not on the class list" in joined.problems[0].what


def test_keys_are_new_and_safe():
    people = [Person("Ann"), Person("Ánn X"), Person("李 明", "九"), Person("李 明", "十"), Person("../../etc")]
    joined, _ = roster.join(Collection((Submission("ann", "Somebody"),), ()), people)
    keys = [one.key for one in joined.submissions]
    assert len({key.casefold() for key in keys}) == len(keys) == 6
    assert all(key.isascii() and "/" not in key and not key.startswith(".") and len(key) <= 80 for key in keys)


def test_problems_of_before_stay():
    told = Problem("Ann", "x", "broken")
    before = Collection((Submission("Ann", "Ann"),), (told,), {"Ann": (told,)})
    joined, _ = roster.join(before, [Person("Ann")])
    assert joined.problems == (told,)
    assert joined.by_key["Ann"] == (told,)


def test_a_grading_worksheet_of_moodle_s_tells_numbers_and_times(tmp_path):
    path = write(
        tmp_path,
        "Identifier,Full name,ID number,Email address,Status,Grade,Last modified (submission),Last modified (grade)\n"
        'Participant 12,Ann Lee,007,ann@x.org,Submitted,,"Wednesday, 31 January 2024, 11:30 PM",-\n'
        'Participant 13,Ann Lee,008,bo@x.org,Submitted,,"31 January 2024, 12:05 AM","1 February 2024, 9:00 AM"\n'
        "Participant 14,Cy Ek,009,cy@x.org,No submission,,-,-\n",
    )
    people = roster.read_roster(path)
    assert [(one.participant, one.when) for one in people] == [
        ("12", "2024-01-31T23:30:00"),
        ("13", "2024-01-31T00:05:00"),
        ("14", ""),
    ]
    joined, by_key = roster.join(handed_in(("Ann Lee", "13"), ("Lee, Ann", "12")), people)
    found = {one.number: (one.when, by_key[one.key].email) for one in joined.submissions if one.when}
    assert found == {"12": ("2024-01-31T23:30:00", "ann@x.org"), "13": ("2024-01-31T00:05:00", "bo@x.org")}
