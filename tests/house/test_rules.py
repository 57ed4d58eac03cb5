"""The rules that always hold, each with the tests that would fail without it. A renamed test must be renamed here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
RULES: dict[str, tuple[str, ...]] = {
    "1. A sign-on is bound to a digest that page, PDF and export show": (
        "signons/test_answering.py::test_a_sign_on_is_bound_to_the_digest_and_keeps_the_words_that_were_confirmed",
        "publishing/test_public.py::test_anybody_can_recompute_the_digest_from_the_exact_text",
        "press/test_letter.py::test_the_letter_carries_its_canonical_text",
    ),
    "2. No name moves to changed words without a new yes": (
        "statements/test_opening.py::test_an_open_text_cannot_be_unfrozen_or_edited",
        "signons/test_closing.py::test_nothing_is_signed_corrected_or_taken_back_once_it_is_closed",
    ),
    "3. A link that a scanner opened changes nothing": (
        "signons/test_pages.py::test_opening_every_link_twice_as_a_mail_scanner_does_changes_nothing",
        "petitions/test_pages.py::test_a_scanner_that_opens_the_link_confirms_nothing",
        "supporters/test_leaving.py::test_opening_the_unsubscribe_link_leaves_nothing",
        "accounts/test_signing_in.py::test_a_link_signs_in_once_and_only_by_its_button",
        "house/test_routes.py::test_no_get_opens_a_writing_transaction",
    ),
    "4. Consent is per organization and purpose, and nothing is pre-ticked": (
        "petitions/test_pages.py::test_the_page_has_the_fields_and_nothing_is_chosen_beforehand",
        "petitions/test_signing.py::test_nothing_is_consented_before_the_mailbox_confirms",
        "broadcasts/test_sending.py::test_only_those_who_said_yes_to_the_sender_get_it",
        "broadcasts/test_sending.py::test_an_update_to_a_petition_s_signers_goes_to_those_of_them_who_said_yes",
    ),
    "5. Nobody gets an update twice or after leaving, and unknown is said": (
        "mail/test_sender.py::test_many_workers_at_once_never_hand_over_one_letter_twice",
        "mail/test_sender.py::test_suppression_is_asked_at_the_last_moment_and_by_stream",
        "mail/test_sender.py::test_a_lost_answer_is_never_guessed",
        "mailings/test_outcomes.py::test_everybody_gets_it_once_in_as_few_requests_as_there_are_batches",
        "mailings/test_outcomes.py::test_a_lost_answer_is_never_followed_by_a_second_letter",
        "mailings/test_killed.py::test_killing_workers_in_mid_request_makes_exactly_those_batches_uncertain",
        "mailings/test_reports.py::test_who_leaves_while_the_request_is_written_is_not_in_it",
        "broadcasts/test_races.py::test_leaving_while_letters_leave_gets_the_letter_before_or_never",
        "broadcasts/test_races.py::test_pressing_send_many_times_while_workers_plan_writes_one_letter_to_each",
        "returns/test_readers.py::test_one_report_proves_a_whole_unknown_batch",
        "supporters/test_heeding.py::test_a_complaint_about_an_update_withdraws_the_yes_to_its_sender_only",
        "flows/test_demonstration.py::test_a_play_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing",
    ),
    "6. A letter exists if and only if its act was committed": (
        "mail/test_outbox.py::test_an_act_that_is_refused_leaves_no_letter",
        "mail/test_outbox.py::test_the_bell_is_rung_once_and_only_after_the_commit",
        "broadcasts/test_races.py::test_stopping_while_workers_plan_leaves_no_letter_waiting",
    ),
    "7. A delivery state never says more than is known": (
        "deliveries/test_rules.py::test_every_state_has_words_and_none_claims_that_somebody_read_it",
        "deliveries/test_rules.py::test_a_delivery_follows_its_letter_and_never_says_more",
        "mailings/test_reports.py::test_a_reader_only_moves_forward_whatever_the_order_of_reports",
        "broadcasts/test_sending.py::test_a_sent_update_is_called_sent_only_when_nothing_waits",
        "mail/test_events.py::test_every_pair_of_states_moves_forward_or_not_at_all",
    ),
    "8. A stranger never learns whether an address has signed": (
        "petitions/test_pages.py::test_the_known_and_the_validated_get_the_same_page_as_the_new",
        "accounts/test_signing_in.py::test_a_letter_is_promised_alike_to_known_and_unknown_and_sent_to_the_known_only",
    ),
    "9. One organization never sees another's private things": (
        "petitions/test_workroom.py::test_an_organization_exports_only_people_who_said_yes_to_it",
        "petitions/test_workroom.py::test_strangers_see_no_workroom_and_members_without_the_right_do_nothing",
        "signons/test_pages.py::test_a_viewer_may_not_sign_and_a_stranger_finds_nothing",
        "deliveries/test_pages.py::test_a_stranger_finds_no_deliveries",
    ),
    "10. Every act the public sees is in the trail": (
        "coalitions/test_trail.py::test_every_act_that_is_recorded_has_a_sentence",
        "statements/test_opening.py::test_a_deadline_only_moves_later_and_each_move_is_in_the_trail",
    ),
    "11. Counts are right after any crash, and pages do not wait for the counter": (
        "petitions/test_counting.py::test_a_count_left_wrong_by_a_crash_is_repaired_even_while_people_sign",
        "petitions/test_counting.py::test_the_public_page_counts_nothing_itself",
    ),
    "12. Bad input gets a sentence, and nothing typed is lost": (
        "petitions/test_pages.py::test_a_mistake_keeps_everything_that_was_typed",
        "signons/test_pages.py::test_what_was_typed_survives_a_refusal_and_the_way_back",
        "statements/test_pages.py::test_an_edit_after_freezing_is_refused_with_the_typed_words_on_the_page",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_tests(rule: str) -> None:
    for name in RULES[rule]:
        file, test = name.split("::")
        assert re.search(rf"^def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE), name
